"""The team's record in MongoDB, brought there from the files of each experiment, in the layout of Sacred."""
