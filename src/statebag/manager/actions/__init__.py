"""The actions of the state data manager, one a file; `state_data_manager` is their front."""
