"""The pages: read inputs, call core, draw; the only code that knows Streamlit."""
