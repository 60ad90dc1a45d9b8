"""Published figures on MEAD, each group with the convention that it was measured by.

Every table has its own crop, actors, units and reference frames: the same method differs from
table to table (EAT's SSIM: .53, .679, .68, .690). So groups are shown apart, each under its own
line, and never in one column.
"""

from dataclasses import dataclass

from emohead.evaluation.catalogue import THEVAL
from emohead.report.paper import SOURCE, TABLE_1

#: Headings of the figures, with the direction of better.
HEADINGS = {
    "f_lmd": "F-LMD ↓", "m_lmd": "M-LMD ↓", "m_lvd": "M-LVD ↓",
    "ssim": "SSIM ↑", "psnr": "PSNR ↑", "psnr_legacy": "PSNR, wrapped ↑", "cpbd": "CPBD ↑",
    "fid": "FID ↓", "sync": "Sync ↑",
    "accuracy": "Emotion accuracy, % ↑",
    **THEVAL, "theval": "Mean of the five scores ↑",
}  # fmt: skip


@dataclass(frozen=True)
class PublishedRow:
    """A method's figures as printed in the group's source, keyed by `HEADINGS`."""

    label: str
    figures: dict[str, str]


@dataclass(frozen=True)
class PublishedGroup:
    """Rows of one source, and what is known of how they were measured."""

    heading: str
    source: str
    convention: str
    rows: tuple[PublishedRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The figures that any row has, in the order of `HEADINGS`."""
        return [name for name in HEADINGS if any(name in row.figures for row in self.rows)]


def _rows(names: str, table: str) -> tuple[PublishedRow, ...]:
    """`label: figure figure ...` a line, under the columns of `names`; `-` where there is none."""
    columns = names.split()
    rows = []
    for line in table.strip().splitlines():
        label, figures = line.strip().rsplit(": ", 1)
        printed = dict(zip(columns, figures.split(), strict=True))
        rows.append(
            PublishedRow(
                label,
                {
                    name: f"0{figure}" if figure.startswith(".") else figure
                    for name, figure in printed.items()
                    if figure != "-"
                },
            )
        )
    return tuple(rows)


def _paper_rows() -> tuple[PublishedRow, ...]:
    names = ("f_lmd", "m_lmd", "ssim", "psnr")
    figures = {row.label: {name: getattr(row, name) for name in names} for row in TABLE_1.values()}
    return tuple(
        PublishedRow(label, {name: f"{value:.2f}" for name, value in found.items() if value})
        for label, found in figures.items()
        if any(found.values())
    )


#: The paper that this repository follows.
PAPER = PublishedGroup(
    "The paper",
    SOURCE,
    "Crop size, unit of LMD and formula of PSNR are not stated; 33 dB beside an SSIM of .72 points "
    "to grey 8-bit arithmetic that wraps. The EVP row seems copied from EVP's own paper (other "
    "actors, 106 points). Reference face with the emotion of the clip.",
    _paper_rows(),
)

#: Newer rows on MEAD: of sources with a venue, a year and a link, so that they can be checked.
GROUPS = (
    PublishedGroup(
        "EAT's released logs, 100 clips",
        "EAT (ICCV 2023); github.com/yuangan/evaluation_eat, logs in code/result*",
        "Actors M003, M030, W009, W015, level 3 and neutral; aligned crops of 128 px, landmarks "
        "re-detected, centroid removed, mean over points; SSIM in colour, PSNR RGB; head pose of "
        "the ground truth given. Nearest to this repository's headline convention.",
        _rows(
            "f_lmd m_lmd m_lvd ssim psnr fid sync",
            "EAT: 2.425 2.223 1.799 .679 21.79 25.09 8.215",
        ),
    ),
    PublishedGroup(
        "EAT",
        "EAT, ICCV 2023, arxiv.org/abs/2309.04946",
        "The code is that of the released logs above; which clips, is not known to us. Emotion "
        "accuracy by Emotion-FAN; EAMM's is re-scored there.",
        _rows(
            "f_lmd m_lmd ssim accuracy",
            """
            EAT: 2.47 2.25 .68 75.43
            EAMM: - - - 49.85
            """,
        ),
    ),
    PublishedGroup(
        "FixTalk",
        "FixTalk, ICCV 2025, arxiv.org/abs/2507.01390",
        "Crop size, unit of LMD and actors not known to us; PSNR is of the textbook's size.",
        _rows(
            "psnr ssim m_lmd f_lmd accuracy sync",
            """
            SadTalker: 19.04 .606 2.038 2.335 14.3 7.07
            AniTalker: 19.71 .614 1.903 2.277 15.6 6.64
            Hallo: 19.06 .598 1.874 2.294 18.7 6.99
            EDTalk: 21.63 .722 1.537 1.290 67.3 8.12
            FixTalk: 22.38 .743 1.314 1.215 68.3 8.01
            """,
        ),
    ),
    PublishedGroup(
        "EAMM",
        "EAMM, SIGGRAPH 2022, arxiv.org/abs/2205.15278",
        "PSNR on the wrapped 8-bit scale; speaker-independent split; unit of LMD not known to us.",
        _rows(
            "m_lmd f_lmd ssim psnr_legacy sync accuracy",
            """
            EAMM: 2.41 2.55 .66 29.29 2.26 68.41
            PC-AVS: 2.97 3.03 .63 28.72 - -
            """,
        ),
    ),
    PublishedGroup(
        "FlowVQTalker",
        "FlowVQTalker, CVPR 2024, arxiv.org/abs/2403.06375",
        "Crop size, unit of LMD and actors not known to us.",
        _rows(
            "ssim fid m_lmd f_lmd cpbd accuracy", "FlowVQTalker: .689 16.55 1.939 2.061 .181 71.53"
        ),
    ),
    PublishedGroup(
        "DreamTalk",
        "DreamTalk, arXiv 2023, arxiv.org/abs/2312.09767, table I",
        "Crop size and unit of LMD not known to us; accuracy is of the speaking style.",
        _rows(
            "ssim cpbd f_lmd m_lmd sync accuracy",
            """
            MakeItTalk: .73 .11 3.97 5.32 2.10 -
            Wav2Lip: .80 .18 2.72 4.05 5.26 -
            PC-AVS: .50 .07 5.83 4.97 2.18 -
            EAMM: .40 .08 6.70 6.48 1.41 20.1
            StyleTalk: .84 .16 2.12 3.25 3.47 74.2
            SadTalker: .69 .16 4.12 4.37 2.76 -
            PD-FGC: .49 .05 5.50 4.10 2.27 43.9
            EAT: .53 .15 5.54 4.79 2.16 36.4
            DreamTalk: .86 .16 1.93 2.91 3.78 86.7
            Ground truth: 1 .22 0 0 4.13 92.5
            """,
        ),
    ),
)
