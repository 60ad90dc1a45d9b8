"""Rule pair_sentences: training clips -> sentences in several emotions, verified by their sound."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.pairs import find_pairs, write_pairs
from emohead.features.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--numbers", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--output", type=Path, required=True, help="table of pairs, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    pairs = find_pairs(clips, SentenceNumbers(**flags.numbers))
    dropped = [pair for pair in pairs if not pair.kept]
    print(f"{len(pairs) - len(dropped)} of {len(pairs)} pairs say the same, as far as they sound")
    for pair in dropped:
        print(f"dropped: {pair.first} and {pair.second} (one of them is nearer to another take)")
    write_pairs(pairs, flags.output)
