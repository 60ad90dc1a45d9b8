"""Rule report_crops: the clip table and the feature shards -> sample crops with landmarks."""

from emohead.report.flags import report_parser
from emohead.report.pictures import write_crops_figure

parser = report_parser(__doc__, "clips", "features", "emotions")

if __name__ == "__main__":
    write_crops_figure(**vars(parser.parse_args()))
