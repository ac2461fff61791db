extern int coordinator_core_placeholder;
int coordinator_core_placeholder = 0;
