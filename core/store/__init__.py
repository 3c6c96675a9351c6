"""The database and every path under the home folder."""
