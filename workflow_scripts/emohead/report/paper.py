"""Tables 1 and 2 of the paper, as printed.

Source: "Emotional Talking Head Generation based on Memory-Sharing and Attention-Augmented
Networks", Interspeech 2023, arXiv 2306.03594.
"""

from dataclasses import dataclass

SOURCE = "Interspeech 2023, arXiv 2306.03594, Table 1"


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table 1; None where the paper gives no figure."""

    label: str
    f_lmd: float | None = None
    m_lmd: float | None = None
    ssim: float | None = None
    psnr: float | None = None

    @property
    def has_figures(self) -> bool:
        """Whether the paper gives any figure for this row."""
        return any(figure is not None for figure in (self.f_lmd, self.m_lmd, self.ssim, self.psnr))


# In the paper's order. The paper does not state the crop size behind its pixels, nor its PSNR.
TABLE_1: dict[str, PaperRow] = {
    "ground_truth": PaperRow("Ground truth"),
    "baseline": PaperRow("Baseline", 2.39, 3.38, 0.69, 32.38),
    "evp": PaperRow("EVP", 3.01, 2.45, 0.71, 29.53),
    "audio2head": PaperRow("Audio2Head", None, None, 0.69, 30.91),
    "ours_wo_msef": PaperRow("Ours w/o MSEF", 2.38, 3.06, 0.72, 33.30),
    "ours_wo_aatu": PaperRow("Ours w/o AATU", 2.35, 3.02, 0.72, 33.29),
    "ours": PaperRow("Ours", 2.35, 3.02, 0.72, 33.32),
}

#: A row of ours that reads one of the paper's in another way, and whose figures are that one's.
OTHER_READINGS = {"ours_wo_msef_joint": "ours_wo_msef"}

SOURCE_2 = "Interspeech 2023, arXiv 2306.03594, Table 2: 30 raters, 1 to 10, no intervals"
#: Its user study: lip synchronisation, emotional expressiveness, video quality.
TABLE_2: dict[str, dict[str, float]] = {
    "baseline": {"ls": 4.32, "ee": 6.97, "vpq": 5.03},
    "evp": {"ls": 5.83, "ee": 5.55, "vpq": 5.29},
    "audio2head": {"ls": 5.07, "ee": 5.90, "vpq": 5.59},
    "ours": {"ls": 5.25, "ee": 7.49, "vpq": 5.82},
}
