"""Say one sentence with espeak-ng; run as a program, one process per utterance.

Only the first utterance of an espeak-ng process is reproducible. Standard input: a JSON object
with library, data, text, voice, rate, pitch, range. Standard output: one line of JSON with
sample_rate and phonemes [[start in ms, mnemonic], ...], then the int16 samples.
Standard library only, so that starting it takes milliseconds.
"""

import ctypes
import json
import sys

# Names as in espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_PHONEME_EVENTS, INITIALIZE_DONT_EXIT = 0x0001, 0x8000
EVENT_LIST_TERMINATED, EVENT_PHONEME = 0, 7
RATE, PITCH, RANGE = 1, 3, 4
POS_CHARACTER, CHARS_UTF8 = 1, 1


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def say(request: dict) -> tuple[int, list[tuple[int, str]], bytes]:
    """Sample rate, phonemes and int16 samples of the request's text."""
    espeak = ctypes.CDLL(request["library"])
    blocks: list[bytes] = []
    phonemes: list[tuple[int, str]] = []

    @_Callback
    def collect(samples, count, events):
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while events[i].type != EVENT_LIST_TERMINATED:
            if events[i].type == EVENT_PHONEME:
                # All eight bytes may be in use, so that there is no closing zero.
                mnemonic = ctypes.string_at(ctypes.addressof(events[i].id), 8).split(b"\0")[0]
                phonemes.append((events[i].audio_position, mnemonic.decode("utf-8", "replace")))
            i += 1
        return 0

    flags = INITIALIZE_PHONEME_EVENTS | INITIALIZE_DONT_EXIT
    sample_rate = espeak.espeak_Initialize(
        AUDIO_OUTPUT_SYNCHRONOUS, 0, request["data"].encode(), flags
    )
    if sample_rate <= 0:
        raise SystemExit(f"espeak-ng finds no voice data in {request['data']}")
    # Breathy voices hold noise, seeded by the clock otherwise.
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))
    espeak.espeak_SetSynthCallback(collect)
    if espeak.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        raise SystemExit(f"espeak-ng has no voice {request['voice']}")
    for parameter, key in ((RATE, "rate"), (PITCH, "pitch"), (RANGE, "range")):
        espeak.espeak_SetParameter(parameter, request[key], 0)
    text = request["text"].encode()
    espeak.espeak_Synth(
        ctypes.c_char_p(text), ctypes.c_size_t(len(text) + 1), 0, POS_CHARACTER, 0, CHARS_UTF8,
        None, None,
    )  # fmt: skip
    espeak.espeak_Synchronize()
    return sample_rate, phonemes, b"".join(blocks)


if __name__ == "__main__":
    _rate, _phonemes, _samples = say(json.load(sys.stdin))
    sys.stdout.buffer.write(json.dumps({"sample_rate": _rate, "phonemes": _phonemes}).encode())
    sys.stdout.buffer.write(b"\n" + _samples)
