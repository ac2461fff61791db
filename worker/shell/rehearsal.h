/* rehearsal.h - `meridian-worker deploy-local`: a deployment on this host without a coordinator.
 *
 * The same core, store and step processes as a real deployment; the options of AWS's
 * codedeploy-local are understood, so that its users need not learn new ones. Prints one line for
 * each lifecycle event, or with --output json one object:
 *   {"result": "...", "events": [{"event", "status", "diagnostics": {...}} ...]}
 */
#pragma once

/* Returns the exit status: 0 succeeded, 1 failed, 2 usage, 130 interrupted. argv[0] is the
 * command's name. */
int rehearsal_main(int argc, char **argv, const char *step_program);
