"""What optimises: Adam, its relatives, and step-size schedules."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.methods.adam import Adam as Adam
    from adamsym.methods.adam import AdamEpsInsideRoot as AdamEpsInsideRoot
    from adamsym.methods.adam import AdamW as AdamW
    from adamsym.methods.adam import AdamWithoutMomentum as AdamWithoutMomentum
    from adamsym.methods.adam import NAdam as NAdam
    from adamsym.methods.adam import RMSprop as RMSprop
    from adamsym.methods.adam import require_adam as require_adam
    from adamsym.methods.adam import require_laplace as require_laplace
    from adamsym.methods.kernels import StieltjesKernel as StieltjesKernel
    from adamsym.methods.laplace import Kernel as Kernel
    from adamsym.methods.laplace import LagWeights as LagWeights
    from adamsym.methods.laplace import LaplaceForm as LaplaceForm
    from adamsym.methods.method import AdaptiveMethod as AdaptiveMethod
    from adamsym.methods.other_recursions import Adamax as Adamax
    from adamsym.methods.other_recursions import AMSGrad as AMSGrad
    from adamsym.methods.recursion import Method as Method
    from adamsym.methods.registry import METHODS as METHODS
    from adamsym.methods.registry import known_methods as known_methods
    from adamsym.methods.registry import make_method as make_method
    from adamsym.methods.registry import method_class as method_class
    from adamsym.methods.schedule import StepSizeSchedule as StepSizeSchedule
    from adamsym.methods.sign import Lion as Lion
    from adamsym.methods.sign import SignForm as SignForm
    from adamsym.methods.sign import Signum as Signum
    from adamsym.methods.sign import require_sign as require_sign
    from adamsym.methods.variants import ADOPT as ADOPT
    from adamsym.methods.variants import AdaBelief as AdaBelief
    from adamsym.methods.variants import Adafactor as Adafactor
    from adamsym.methods.variants import AdamClippedByNorm as AdamClippedByNorm
    from adamsym.methods.variants import AdamClippedByValue as AdamClippedByValue
    from adamsym.methods.variants import RAdam as RAdam
    from adamsym.methods.variants import Yogi as Yogi

_MODULES = {
    "ADOPT": "adamsym.methods.variants",
    "AMSGrad": "adamsym.methods.other_recursions",
    "AdaBelief": "adamsym.methods.variants",
    "Adafactor": "adamsym.methods.variants",
    "Adam": "adamsym.methods.adam",
    "AdamClippedByNorm": "adamsym.methods.variants",
    "AdamClippedByValue": "adamsym.methods.variants",
    "AdamEpsInsideRoot": "adamsym.methods.adam",
    "AdamW": "adamsym.methods.adam",
    "AdamWithoutMomentum": "adamsym.methods.adam",
    "Adamax": "adamsym.methods.other_recursions",
    "AdaptiveMethod": "adamsym.methods.method",
    "Kernel": "adamsym.methods.laplace",
    "LagWeights": "adamsym.methods.laplace",
    "LaplaceForm": "adamsym.methods.laplace",
    "Lion": "adamsym.methods.sign",
    "METHODS": "adamsym.methods.registry",
    "Method": "adamsym.methods.recursion",
    "NAdam": "adamsym.methods.adam",
    "RAdam": "adamsym.methods.variants",
    "RMSprop": "adamsym.methods.adam",
    "SignForm": "adamsym.methods.sign",
    "Signum": "adamsym.methods.sign",
    "StepSizeSchedule": "adamsym.methods.schedule",
    "StieltjesKernel": "adamsym.methods.kernels",
    "Yogi": "adamsym.methods.variants",
    "known_methods": "adamsym.methods.registry",
    "make_method": "adamsym.methods.registry",
    "method_class": "adamsym.methods.registry",
    "require_adam": "adamsym.methods.adam",
    "require_laplace": "adamsym.methods.adam",
    "require_sign": "adamsym.methods.sign",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # What needs one module of this subpackage need not wait for the others, and for SymPy.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'adamsym.methods' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
