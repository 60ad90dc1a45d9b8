"""One thread per step of a chain, so that decoding, drawing, network and encoding overlap."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


@contextmanager
def ahead(items: Iterable[Item], depth: int = 2) -> Iterator[Iterator[Item]]:
    """The same items in the same order, made in a thread that is up to `depth` of them ahead.

    Its errors are raised here, at the item's place. After the block nothing runs any more: the
    thread stops after its current item.
    """
    queue: Queue = Queue(depth)
    left = Event()

    def put(item: object) -> None:
        while not left.is_set():
            try:
                return queue.put(item, timeout=0.1)
            except Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put((item, None))
                if left.is_set():
                    return
            put((_END, None))
        except BaseException as error:
            put((_END, error))

    def take() -> Iterator[Item]:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item

    maker = Thread(target=make, daemon=True)
    maker.start()
    try:
        with closing(take()) as taken:
            yield taken
    finally:
        left.set()
        maker.join()
