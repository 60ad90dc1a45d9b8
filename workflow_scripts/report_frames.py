"""Rule report_frames: the methods' shown clips -> Fig. 4, rendered frames side by side."""

from emohead.report.flags import report_parser
from emohead.report.pictures import draw_frames_figure, write_picture

parser = report_parser(__doc__, "methods", "reference", "split", "emotions")

if __name__ == "__main__":
    write_picture(draw_frames_figure, **vars(parser.parse_args()))
