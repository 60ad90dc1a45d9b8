# landmarks: the landmark models, audio + reference landmarks -> landmarks.


rule train_landmarks:
    input:
        script=script("train_landmarks.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
        disentangler=disentangler_checkpoint,
    output:
        model="results/landmarks/{landmark_model}/seed{seed}/model.pt",
        history="results/landmarks/{landmark_model}/seed{seed}/history.csv",
        provenance="results/landmarks/{landmark_model}/seed{seed}/provenance.json",
        basis="results/landmarks/{landmark_model}/seed{seed}/basis.csv",
    log:
        "results/logs/train_landmarks/{landmark_model}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_landmarks/{landmark_model}-seed{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("landmarks", wildcards.landmark_model)
    resources:
        mem_mb=again(lambda w, input: training_memory("landmarks", w.landmark_model)),
        runtime=again(lambda w, input: training_minutes("landmarks", w.landmark_model)),
        gpu=lambda wildcards: gpus("landmarks", wildcards.landmark_model),
    params:
        code=lambda w: digest("train_landmarks.py", landmarks=w.landmark_model),
        options=lambda w: as_json(recipe("landmarks", w.landmark_model)),
        runtime=untracked(
            lambda w: as_json(runtime("landmarks", w.landmark_model, w.seed))
        ),
        state="state/landmarks/{landmark_model}-seed{seed}",
        curves="results/logs/tensorboard/train_landmarks/{landmark_model}-seed{seed}",
        disentangler=lambda w, input: (
            f"--disentangler {input.disentangler}" if input.disentangler else ""
        ),
    shell:
        training_command("{params.disentangler} --basis {output.basis}")
