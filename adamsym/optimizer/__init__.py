"""What optimises: Adam, its relatives, and step-size schedules."""

from adamsym.optimizer.adam import Adam
from adamsym.optimizer.method import AdaptiveMethod
from adamsym.optimizer.relatives import (
    METHODS,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    NAdam,
    RMSprop,
    require_adam,
)
from adamsym.optimizer.schedule import StepSizeSchedule

__all__ = [
    "METHODS",
    "Adam",
    "AdamEpsInsideRoot",
    "AdamW",
    "AdamWithoutMomentum",
    "AdaptiveMethod",
    "NAdam",
    "RMSprop",
    "StepSizeSchedule",
    "require_adam",
]
