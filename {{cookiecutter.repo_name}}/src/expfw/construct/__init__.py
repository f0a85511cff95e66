"""From a component's configuration to the component: finding the class, checking it, building instances."""
