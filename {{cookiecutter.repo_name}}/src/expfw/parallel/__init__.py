"""Where an experiment's work is done: here, in processes of this machine, or on a cluster; never what is computed.

What has work to hand out opens workers (:mod:`~.opening`), hands out calls and takes results as they come
(:mod:`~.workers`)::

    with open_workers(plan) as workers:
        waiting = {workers.submit(function, item): item for item in items}
        while waiting:
            for future in workers.first_done(waiting):
                print(waiting.pop(future), future.result())
"""

from expfw.parallel.opening import open_workers
from expfw.parallel.workers import Future, WorkerLost, Workers

__all__ = ["Future", "WorkerLost", "Workers", "open_workers"]
