"""Rule report_landmarks: the methods' shown clips -> Fig. 5, predicted landmarks over time."""

from emohead.report.flags import report_parser
from emohead.report.pictures import draw_landmarks_figure, write_picture

parser = report_parser(__doc__, "methods", "reference", "split", "emotions")

if __name__ == "__main__":
    write_picture(draw_landmarks_figure, **vars(parser.parse_args()))
