# emohead with what requirements.lock names, each package checked by its hash. See docs/container.md.
#   docker build --tag emohead .
#   mkdir run # yours: Docker would make it root's
#   docker run --rm --user "$(id -u)" --volume "$PWD/run:/run/emohead" emohead --cores all
# The rules run this environment's `python`; there is no conda inside.
FROM python:3.11-slim-bookworm

WORKDIR /opt/emohead
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .

# The command `emohead`, from these files. Anybody may run all of it, and only write below /run/emohead.
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m compileall -q workflow_scripts \
    && chmod -R a+rX . && mkdir --mode 1777 /run/emohead
# Snakemake wants a name of whoever starts it, and the image knows no other user than root.
ENV HOME=/run/emohead USER=emohead PYTHONDONTWRITEBYTECODE=1
WORKDIR /run/emohead
ENTRYPOINT ["snakemake", "--snakefile", "/opt/emohead/Snakefile"]
CMD ["--cores", "all"]
