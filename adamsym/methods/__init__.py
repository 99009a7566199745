"""What optimises: Adam, its relatives, and step-size schedules."""

from adamsym.methods.adam import Adam
from adamsym.methods.method import AdaptiveMethod
from adamsym.methods.relatives import (
    METHODS,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    NAdam,
    RMSprop,
    require_adam,
)
from adamsym.methods.schedule import StepSizeSchedule

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
