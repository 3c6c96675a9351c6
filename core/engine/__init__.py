"""The only code that imports torch and fastai; started by name, in processes of its own."""
