"""Published figures on MEAD: the paper's tables 1 and 2, and newer rows.

published.csv has the figures as printed, published_sources.csv where each group of them is from and
how it was measured.
"""

from pathlib import Path

import numpy as np
import pandas as pd


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name(name), dtype=str, keep_default_na=False)


ROWS, SOURCES = _read("published.csv"), _read("published_sources.csv").set_index("group")
SOURCE = SOURCES.loc["paper", "source"]
SOURCE_2 = "Interspeech 2023, arXiv 2306.03594, Table 2: 30 raters, 1 to 10, no intervals"
_PAPER = ROWS[ROWS["group"] == "paper"].set_index("method")
PAPER_LABELS: dict[str, str] = _PAPER["label"].to_dict() | {"copy_reference": "Copy reference"}
#: Table 1 by method, in its order; NaN where it gives no figure.
TABLE_1 = _PAPER[["f_lmd", "m_lmd", "ssim", "psnr"]].replace("", np.nan).astype(float)
#: Table 2, the user study: lip synchronisation, emotional expressiveness, video quality.
TABLE_2 = _PAPER.loc[_PAPER["ls"] != "", ["ls", "ee", "vpq"]].astype(float).to_dict("index")
#: A row of ours that reads one of the paper's in another way, and whose figures are that one's.
OTHER_READINGS = {"ours_wo_msef_joint": "ours_wo_msef"}
