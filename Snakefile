# The whole workflow: MEAD in; Table 1, figures and talking faces out. Read rules/ in this order.
from snakemake.utils import min_version

min_version("9.13")


configfile: f"{workflow.basedir}/config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/features.smk"
include: "rules/split.smk"
include: "rules/disentangler.smk"
include: "rules/landmarks.smk"
include: "rules/translator.smk"
include: "rules/motion.smk"
include: "rules/methods.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"
include: "rules/study.smk"
include: "rules/ablations.smk"
include: "rules/generate.smk"


report: "report/workflow.rst"


rule all:
    default_target: True
    input:
        rules.report_data.output,
        rules.report_table1.output,
        rules.report_claims.output,
        rules.report_published.output,
        [path for figures in FIGURES.values() for path in figures.values()],
        rules.report_training.output,
        rules.report_page.output,


# One target for each method: its row alone, and only the training that it needs.
for name in METHODS:
    if workflow.is_rule(name):
        stop(f"methods.{name}", "is the name of a rule, too: take another one")

    rule:
        name:
            name
        input:
            runs_of([name], ROW),
