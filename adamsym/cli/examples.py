"""Examples of each command, which its help shows: they follow from one another in a folder of their own."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "init": (
        "adamsym init",
        "adamsym init data.csv --target y -o data.toml",
        "adamsym init data.csv --loss huber --columns x -o robust.toml",
    ),
    "field": (
        "adamsym field problem.toml",
        "adamsym field problem.toml --at theta=1 --enclose",
        "adamsym field data.toml --at w=[0.1],b=0 -o field.csv",
    ),
    "derive": ("adamsym derive problem.toml", "adamsym derive problem.toml -o derivation.html"),
    "zeros": (
        "adamsym zeros problem.toml --box theta=-5:5",
        "adamsym zeros problem.toml --at theta=1 -o zero.json",
        "adamsym zeros problem.toml --at theta=1.5 --project theta=1.5:3",
        "adamsym zeros signs.toml --box theta=0.5:1.5",
    ),
    "sweep": (
        "adamsym sweep problem.toml --at theta=1 --over beta2=0.9:0.9999",
        "adamsym sweep problem.toml --at theta=1 --over beta2=0.99:0.999 --certify",
    ),
    "map": ("adamsym map problem.toml --at theta=1 --over beta1=0.5:0.9 --over beta2=0.9:0.99 --points 5 -o map.csv",),
    "lyapunov": (
        "adamsym lyapunov problem.toml --box theta=1.5:4",
        "adamsym lyapunov problem.toml --box theta=1.5:4 -o region.json",
    ),
    "prove": (
        "adamsym prove problem.toml --at theta=1/2 -o sign.v",
        "adamsym prove problem.toml --zero 0.998:1 -o zero.v",
        "adamsym prove --library adamsym_coq",
    ),
    "check": ("adamsym check zero.json", "adamsym check region.json --slow"),
    "flow": ("adamsym flow problem.toml", "adamsym flow problem.toml --from theta=3 --time 10 -o flow.csv"),
    "simulate": ("adamsym simulate problem.toml --from theta=2 --steps 2000 --chains 20",),
    "track": ("adamsym track problem.toml --starts 1000,10000 --length 1",),
    "verify": ("adamsym verify proofs_checks --claim C10 --quick",),
    "explore": ("adamsym explore problem.toml -o page.html --box theta=-1:3 --values beta2=0.9,0.99,0.999",),
    "plot": (
        "adamsym plot loss problem.toml -o loss.svg",
        "adamsym plot zeros problem.toml --box theta=0.5:1.5 -o zeros.svg",
    ),
    "report": ("adamsym report problem.toml -o report.html",),
    "cache": ("adamsym cache", "adamsym cache --clear"),
}
"""Examples by command; ``problem.toml`` is what ``adamsym init`` writes, ``signs.toml`` the same with Signum,
and data.csv has the columns x and y."""


def epilog(command: str) -> str:
    """Return the end of a command's help: its examples, each on a line of its own."""
    lines = "\n".join(f"  {line}" for line in EXAMPLES[command])
    return f"\b\nExamples:\n{lines}"
