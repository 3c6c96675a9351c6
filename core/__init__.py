"""Everything of Winnow that is not Streamlit; docs/ARCHITECTURE.md draws the rooms."""
