"""adamsym verifies the theory of the Adam optimizer for a loss and data of your own.

>>> from adamsym import Adam, AdamField, Empirical, Problem
>>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
>>> field = AdamField(problem, Adam(beta1=0.9, beta2=0.999, eps=1e-8))
>>> bool(field([0.9995])[0] > 0 > field([0.9996])[0])
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.certify import certificate as certificate
    from adamsym.certify import certify_lyapunov as certify_lyapunov
    from adamsym.certify import certify_lyapunov_ball as certify_lyapunov_ball
    from adamsym.certify import certify_lyapunov_globally as certify_lyapunov_globally
    from adamsym.certify import certify_zero as certify_zero
    from adamsym.certify import compare_regions as compare_regions
    from adamsym.certify import find_zeros as find_zeros
    from adamsym.checker import check_certificate as check_certificate
    from adamsym.claims import Claim as Claim
    from adamsym.continuation import certify_branch as certify_branch
    from adamsym.continuation import certify_zeros_over as certify_zeros_over
    from adamsym.continuation import find_zeros_at_each as find_zeros_at_each
    from adamsym.continuation import map_lyapunov as map_lyapunov
    from adamsym.continuation import map_zeros as map_zeros
    from adamsym.continuation import sweep as sweep
    from adamsym.dynamics import basins as basins
    from adamsym.dynamics import find_zero as find_zero
    from adamsym.dynamics import flow as flow
    from adamsym.dynamics import increment_test as increment_test
    from adamsym.dynamics import phase_portrait as phase_portrait
    from adamsym.dynamics import pseudo_trajectory as pseudo_trajectory
    from adamsym.dynamics import simulate as simulate
    from adamsym.explorer import explore as explore
    from adamsym.expressions.errors import InputError as InputError
    from adamsym.expressions.progress import progress_bar as progress_bar
    from adamsym.field import AdamField as AdamField
    from adamsym.gradients import Empirical as Empirical
    from adamsym.gradients import Independent as Independent
    from adamsym.gradients import PerRowGradients as PerRowGradients
    from adamsym.gradients import Problem as Problem
    from adamsym.gradients import StochasticGradient as StochasticGradient
    from adamsym.gradients import VectorField as VectorField
    from adamsym.gradients import library as library
    from adamsym.gradients.reading import read_problem as read_problem
    from adamsym.methods import Adam as Adam
    from adamsym.methods import AdamEpsInsideRoot as AdamEpsInsideRoot
    from adamsym.methods import AdamW as AdamW
    from adamsym.methods import AdamWithoutMomentum as AdamWithoutMomentum
    from adamsym.methods import NAdam as NAdam
    from adamsym.methods import RMSprop as RMSprop
    from adamsym.methods import StepSizeSchedule as StepSizeSchedule
    from adamsym.symbolic import Derivation as Derivation
    from adamsym.symbolic import SymbolicField as SymbolicField
    from adamsym.symbolic import derive as derive

    __version__: str

_SUBPACKAGES = {
    "RMSprop": "adamsym.methods",
    "NAdam": "adamsym.methods",
    "AdamWithoutMomentum": "adamsym.methods",
    "AdamW": "adamsym.methods",
    "AdamEpsInsideRoot": "adamsym.methods",
    "Adam": "adamsym.methods",
    "AdamField": "adamsym.field",
    "certificate": "adamsym.certify",
    "certify_branch": "adamsym.continuation",
    "find_zeros_at_each": "adamsym.continuation",
    "certify_lyapunov": "adamsym.certify",
    "certify_lyapunov_ball": "adamsym.certify",
    "certify_lyapunov_globally": "adamsym.certify",
    "certify_zero": "adamsym.certify",
    "certify_zeros_over": "adamsym.continuation",
    "check_certificate": "adamsym.checker",
    "compare_regions": "adamsym.certify",
    "find_zeros": "adamsym.certify",
    "Claim": "adamsym.claims",
    "Derivation": "adamsym.symbolic",
    "Empirical": "adamsym.gradients",
    "Independent": "adamsym.gradients",
    "InputError": "adamsym.expressions.errors",
    "PerRowGradients": "adamsym.gradients",
    "Problem": "adamsym.gradients",
    "StepSizeSchedule": "adamsym.methods",
    "StochasticGradient": "adamsym.gradients",
    "SymbolicField": "adamsym.symbolic",
    "VectorField": "adamsym.gradients",
    "basins": "adamsym.dynamics",
    "derive": "adamsym.symbolic",
    "explore": "adamsym.explorer",
    "find_zero": "adamsym.dynamics",
    "flow": "adamsym.dynamics",
    "map_lyapunov": "adamsym.continuation",
    "map_zeros": "adamsym.continuation",
    "phase_portrait": "adamsym.dynamics",
    "increment_test": "adamsym.dynamics",
    "progress_bar": "adamsym.expressions.progress",
    "pseudo_trajectory": "adamsym.dynamics",
    "read_problem": "adamsym.gradients.reading",
    "simulate": "adamsym.dynamics",
    "sweep": "adamsym.continuation",
}

__all__ = sorted([*_SUBPACKAGES, "__version__", "library"])


def __getattr__(name: str) -> Any:
    # Subpackages are imported when first used: `import adamsym` and `adamsym --help` stay quick.
    if name == "__version__":
        return import_module("importlib.metadata").version("adamsym")
    if name == "library":
        return import_module("adamsym.gradients.library")
    if name in _SUBPACKAGES:
        return getattr(import_module(_SUBPACKAGES[name]), name)
    raise AttributeError(f"module 'adamsym' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
