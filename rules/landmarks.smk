# landmarks: the landmark models, audio + reference landmarks -> landmarks.


rule train_landmarks:
    input:
        script=script("train_landmarks.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
        disentangler=disentangler_checkpoint,
    output:
        model="results/landmarks/{landmarks}/seed{seed}/model.pt",
        history="results/landmarks/{landmarks}/seed{seed}/history.csv",
        provenance="results/landmarks/{landmarks}/seed{seed}/provenance.json",
        basis="results/landmarks/{landmarks}/seed{seed}/basis.csv",
    log:
        "results/logs/train_landmarks/{landmarks}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_landmarks/{landmarks}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("landmarks", wildcards.landmarks)
    resources:
        **training_resources("landmarks"),
    params:
        **training_params("landmarks"),
        code=lambda w: digest("train_landmarks.py", landmarks=w.landmarks),
        disentangler=lambda w, input: (
            f"--disentangler {input.disentangler}" if input.disentangler else ""
        ),
    shell:
        training_command("{params.disentangler} --basis {output.basis}")
