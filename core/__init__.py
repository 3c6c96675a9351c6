"""Everything of Winnow that is not Streamlit; see docs/ARCHITECTURE.md for the rooms and their direction."""
