"""Random laws of gradient atoms, and Adam's parameters."""

from hypothesis import strategies as st

from adamsym.optimizer import Adam

atoms_of_any_size = st.one_of(
    st.just(0.0),
    st.builds(
        lambda sign, digits, exponent: sign * digits * 10.0**exponent,
        st.sampled_from([-1, 1]),
        st.floats(1, 10),
        st.integers(-4, 4),
    ),
    st.floats(-3, 3).map(lambda g: round(g, 3)),
)
laws = st.lists(st.tuples(atoms_of_any_size, st.integers(1, 50)), min_size=1, max_size=5)
adams = (
    st.tuples(
        st.sampled_from(["0", "0.001", "0.3", "0.5", "0.9", "0.99", "0.999"]),
        st.sampled_from(["0", "0.1", "0.5", "0.9", "0.95"]),
        st.sampled_from(["1e-8", "1e-3", "0.1", "1", "100"]),
    )
    .filter(lambda p: float(p[1]) ** 2 < float(p[0]) or p[0] == p[1] == "0")
    .map(lambda p: Adam(p[1], p[0], p[2]))
)
