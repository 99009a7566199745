"""What optimises: Adam and step-size schedules."""

from adamsym.optimizer.adam import Adam
from adamsym.optimizer.schedule import StepSizeSchedule

__all__ = ["Adam", "StepSizeSchedule"]
