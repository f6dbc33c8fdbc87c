"""One run: what is new in OneDrive is downloaded, read, and put into the binder, and the run reports what it did."""

from bannette.collector.assignment import Assignment
from bannette.collector.file_status import status_in
from bannette.collector.in_cluster import ClusterAssignment, mounted_storage
from bannette.collector.in_files import FileAssignment, ResourceFiles, default_state_folder
from bannette.collector.interruption import Interruption
from bannette.collector.order import Order, order_by_hand, order_of_pod
from bannette.collector.reporting import entry_line
from bannette.collector.run import Run

__all__ = [
    "Assignment",
    "ClusterAssignment",
    "FileAssignment",
    "Interruption",
    "Order",
    "ResourceFiles",
    "Run",
    "default_state_folder",
    "entry_line",
    "mounted_storage",
    "order_by_hand",
    "order_of_pod",
    "status_in",
]
