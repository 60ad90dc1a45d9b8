"""Rule report_cost: the options of all trainings -> what they cost, printed and written."""

import argparse
import json
from pathlib import Path

from emohead.cost.amounts import count_amounts, expect_amounts
from emohead.cost.estimate import estimate_trainings
from emohead.cost.page import write_cost_page

parser = argparse.ArgumentParser(description=__doc__)
for stage in ("landmarks", "translator"):
    parser.add_argument(
        f"--{stage}", type=json.loads, required=True, help="options of its models by name, as JSON"
    )
parser.add_argument("--crop-size", type=int, required=True)
parser.add_argument("--seeds", type=int, required=True, help="how many")
parser.add_argument("--split", type=Path, help="counted in place of the next two, if given")
parser.add_argument("--expected-clips", type=int, required=True)
parser.add_argument("--test-fraction", type=float, required=True)
parser.add_argument("--mini", action="store_true", help="expect clips as long as the mini set's")
parser.add_argument("--rates", type=float, nargs="+", required=True, help="TFLOP/s, sustained")
parser.add_argument("--measure", action="store_true", help="time training steps on this machine")
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    if flags.split:
        amounts = count_amounts(flags.split)
    else:
        amounts = expect_amounts(flags.expected_clips, flags.test_fraction, mini=flags.mini)
    page = write_cost_page(
        flags.output,
        estimate_trainings(
            flags.landmarks, flags.translator, flags.crop_size, amounts, measure=flags.measure
        ),
        amounts,
        crop_size=flags.crop_size,
        seeds=flags.seeds,
        rates=[rate * 1e12 for rate in flags.rates],
    )
    print(page)
