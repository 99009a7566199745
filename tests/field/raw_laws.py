"""Random laws as raw atoms and weights, of any size, which the kernels take."""

from hypothesis import strategies as st

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
