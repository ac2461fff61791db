extern int common_bundle_placeholder;
int common_bundle_placeholder = 0;
