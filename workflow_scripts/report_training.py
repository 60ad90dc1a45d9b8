"""Rule report_training: the training histories -> loss curves."""

from emohead.flags import name_and_path
from emohead.report.figures import draw_training_figure
from emohead.report.flags import report_parser
from emohead.report.style import save_figure

parser = report_parser(__doc__)
parser.add_argument(
    "--histories",
    nargs="+",
    required=True,
    type=name_and_path,
    metavar="LABEL=PATH",
    help="a model's label and its history.csv; the same label again for another seed",
)

if __name__ == "__main__":
    flags = parser.parse_args()
    save_figure(draw_training_figure(flags.histories), flags.output)
