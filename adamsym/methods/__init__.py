"""What optimises: Adam, its relatives, and step-size schedules."""

from adamsym.methods.adam import (
    Adam,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    NAdam,
    RMSprop,
    require_adam,
    require_laplace,
)
from adamsym.methods.kernels import StieltjesKernel
from adamsym.methods.laplace import Kernel, LagWeights, LaplaceForm
from adamsym.methods.method import AdaptiveMethod
from adamsym.methods.other_recursions import Adamax, AMSGrad
from adamsym.methods.recursion import Method
from adamsym.methods.registry import METHODS, known_methods, make_method, method_class
from adamsym.methods.schedule import StepSizeSchedule
from adamsym.methods.sign import Lion, SignForm, Signum, require_sign
from adamsym.methods.variants import ADOPT, AdaBelief, Adafactor, AdamClippedByNorm, AdamClippedByValue, RAdam, Yogi

__all__ = [
    "ADOPT",
    "METHODS",
    "AMSGrad",
    "AdaBelief",
    "Adafactor",
    "Adam",
    "AdamClippedByNorm",
    "AdamClippedByValue",
    "AdamEpsInsideRoot",
    "AdamW",
    "AdamWithoutMomentum",
    "Adamax",
    "AdaptiveMethod",
    "Kernel",
    "LagWeights",
    "LaplaceForm",
    "Lion",
    "Method",
    "NAdam",
    "RAdam",
    "RMSprop",
    "SignForm",
    "Signum",
    "StepSizeSchedule",
    "StieltjesKernel",
    "Yogi",
    "known_methods",
    "make_method",
    "method_class",
    "require_adam",
    "require_laplace",
    "require_sign",
]
