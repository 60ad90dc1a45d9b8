# evaluation: landmarks found again on the rendered frames, and the metrics of every test clip.


rule redetect_landmarks:
    input:
        script=script("redetect_landmarks.py"),
        library=library("redetect_landmarks.py"),
        shard="results/methods/{method}/seed{seed}/clips.h5",
    output:
        "results/evaluation/{method}/seed{seed}/landmarks.npz",
    log:
        "results/logs/redetect_landmarks/{method}-seed{seed}.log",
    benchmark:
        "results/benchmarks/redetect_landmarks/{method}-seed{seed}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    shell:
        "python {input.script} --shard {input.shard} --output {output} > {log} 2>&1"


rule evaluate_method:
    input:
        script=script("evaluate_method.py"),
        library=library("evaluate_method.py"),
        shard="results/methods/{method}/seed{seed}/clips.h5",
        landmarks="results/evaluation/{method}/seed{seed}/landmarks.npz",
        true_shard=f"results/methods/ground_truth/seed{config['seeds'][0]}/clips.h5",
        true_landmarks=f"results/evaluation/ground_truth/seed{config['seeds'][0]}/landmarks.npz",
    output:
        clips="results/evaluation/{method}/seed{seed}/clips.csv",
        row="results/evaluation/{method}/seed{seed}/row.csv",
    log:
        "results/logs/evaluate_method/{method}-seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_method/{method}-seed{seed}.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    shell:
        "python {input.script} --shard {input.shard} --landmarks {input.landmarks} "
        "--true-shard {input.true_shard} --true-landmarks {input.true_landmarks} "
        "--clips {output.clips} --row {output.row} > {log} 2>&1"
