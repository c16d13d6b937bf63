"""The actions of the state data manager, one in each file; `state_data_manager` calls them."""
