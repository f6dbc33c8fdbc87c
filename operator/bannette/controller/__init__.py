"""The operator: turns every CollectionChannel into a daily CronJob and, on demand, Jobs.

Whatever happens names a channel; a worker looks at what is, a pure function (`plan`) decides what should be, and the
difference is applied. Nothing depends on having seen an event.
"""

from bannette.controller.run import main, operate, run
from bannette.controller.settings import Settings

__all__ = ["Settings", "main", "operate", "run"]
