"""The guided acts: each says what it would do (`acts.plans.Plan`) before it is done."""
