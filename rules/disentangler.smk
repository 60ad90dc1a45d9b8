# disentangler: sentences that a speaker says in several emotions -> codes of content and emotion.


rule pair_sentences:
    input:
        script=script("pair_sentences.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
    output:
        PAIRS,
    log:
        "results/logs/pair_sentences.log",
    benchmark:
        "results/benchmarks/pair_sentences.tsv"
    conda:
        "../envs/media.yaml"
    threads: 1
    resources:
        mem_mb=again(feature_memory),
        runtime=again(120),
    params:
        code=code("pair_sentences.py"),
        numbers=as_json(config["disentangler"]["pairs"]),
    shell:
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--numbers {params.numbers:q} --output {output} > {log} 2>&1"


rule train_disentangler:
    input:
        script=script("train_disentangler.py"),
        features=shard_paths("results/features/{speaker}-{emotion}.h5"),
        split="results/split.csv",
        pairs=PAIRS,
    output:
        model="results/disentangler/{disentangler}/seed{seed}/model.pt",
        gates="results/disentangler/{disentangler}/seed{seed}/gates.csv",
        history="results/disentangler/{disentangler}/seed{seed}/history.csv",
        provenance="results/disentangler/{disentangler}/seed{seed}/provenance.json",
    log:
        "results/logs/train_disentangler/{disentangler}-seed{seed}.log",
    benchmark:
        "results/benchmarks/train_disentangler/{disentangler}-seed{seed}.tsv"
    # A landmark model waits for it.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: train_threads("disentangler", wildcards.disentangler)
    resources:
        **training_resources("disentangler"),
    params:
        **training_params("disentangler"),
        code=code("train_disentangler.py"),
        numbers=as_json(config["disentangler"]["pairs"]),
    shell:
        training_command(
            "--pairs {input.pairs} --numbers {params.numbers:q} --gates {output.gates}"
        )
