/* What the server does of its own accord, so that no policy is asked: each such call is named here,
 * with its reason. All others are made by a principal, and judged; a principal of kind
 * PRINCIPAL_SERVICE has what resource policies give it, and nothing else.
 *
 * function_capability judges invocation->principal, but for the calls below. Three capabilities
 * take no principal and judge nobody. log_capability.append writes a service's logs of its own
 * work, where the resource's owner asked for them. metric_capability keeps figures of the services
 * themselves. package_capability.get is called by those who have asked for s3:GetObject.
 *
 * request_run_inside runs parts of an operation that was judged as a whole: on AWS too an import of
 * an OpenAPI document needs the right to import, not one for each method. */
#pragma once

enum own_call {
    OWN_CALL_NONE, /* the principal is judged */

    /* Lambda runs an event (Invoke with InvocationType Event): who sent it was judged before it was
     * accepted, and may have been deleted since. */
    OWN_CALL_EVENT,
};
