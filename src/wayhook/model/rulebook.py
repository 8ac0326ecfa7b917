"""The rulebook: each documented rule that is kept here, its editions, and where it is kept. No I/O.

The table behind the page "Rules and editions"; the numbers are those of `reference/custom-actions.md`.
"""

from __future__ import annotations

import attrs

__all__ = ["RULES", "Rule"]


@attrs.frozen
class Rule:
    """One documented rule. `editions`: `both`, `orchestration` or `optimizer`. `kept`: where it is kept."""

    number: str
    title: str
    editions: str
    kept: str


def _rules(lines: str) -> dict[str, Rule]:
    rows = [line.split("|") for line in lines.strip().splitlines()]
    return {row[0].strip(): Rule(*(cell.strip() for cell in row)) for row in rows}


RULES = _rules("""
R1   | Name is mandatory                                             | both          | construction, save
R2   | Name at most 30 characters                                    | both          | save
R3   | No space in the name                                          | both          | save
R4   | No special character in the name                              | both          | save
R5   | Underscore allowed                                            | both          | save
R6   | Digits allowed, also first                                    | both          | save
R7   | ASCII only                                                    | both          | save
R8   | Description optional, free text                               | both          | construction
R9   | Name unique per repository                                    | both          | repository (Conflict)
R10  | New action: method POST                                       | both          | construction
R11  | New action: no authentication                                 | both          | construction
R12  | New action: two default headers                               | both          | construction
R13  | New action used in 0 journeys                                 | both          | repository
R14  | Used-in counts and lists the journeys                         | both          | repository
R15  | The same action twice in a journey counts once                | both          | repository
R16  | Used action: name editable                                    | both          | repository (rename)
R17  | Used action: description editable                             | both          | change
R18  | Used action: URL editable                                     | both          | change
R19  | Used action: authentication editable                          | both          | change
R20  | Used action: method read-only                                 | both          | change
R21  | Used action: payload read-only                                | both          | change
R22  | Used action: headers may be added while journeys are drafts   | both          | change
R23  | Used action: query parameters may be added while drafts       | optimizer     | change
R24  | Used action: existing header not removable or changeable      | both          | change
R25  | A duplicate is independent of the original's journeys         | both          | Action.duplicate
R26  | A duplicate's name ends with _Copy within 30 characters       | both          | Action.duplicate
R27  | Built-in actions cannot be removed                            | optimizer     | repository (delete)
R28  | A used action cannot be deleted                               | both          | repository (StillInUse)
R29  | Channel: Email, SMS, Push notification, other                 | optimizer     | construction
R30  | Channel prefills the required marketing action                | optimizer     | construction
R31  | Required marketing action may be None                         | optimizer     | construction
R32  | Required marketing action read-only in the journey            | optimizer     | construction
R33  | Campaign Classic type has a payload only                      | both          | save
R34  | https accepted                                                | both          | save
R35  | http accepted                                                 | both          | save
R36  | Other schemes refused                                         | both          | save, rendering
R37  | Absolute URL with host required                               | both          | save, rendering
R38  | https only on 443                                             | both          | save (network policy)
R39  | http only on 80                                               | both          | save (network policy)
R40  | Port 8080 of the old sample is refused                        | both          | save (network policy)
R41  | IPv4 refused                                                  | both          | save (network policy)
R42  | IPv6 refused                                                  | both          | save (network policy)
R43  | Numeric spellings of IPv4 refused                             | both          | save (network policy)
R44  | Host with .adobe. refused                                     | both          | save (network policy)
R45  | The .adobe. test is case-insensitive                          | both          | save (network policy)
R46  | Hosts merely containing "adobe" accepted                      | both          | save (network policy)
R47  | .adobe. in the path is not a host                             | both          | save (network policy)
R48  | Loopback and internal names refused unless allowed            | both          | save (network policy)
R49  | Slash between URL and path: exactly one                       | both          | rendering
R50  | Path empty: the static URL is called                          | both          | rendering
R51  | The path comes from the journey only                          | both          | construction
R52  | Path expression concatenates with + and quoted text           | both          | expression
R53  | No placeholders in the URL                                    | both          | save, rendering
R54  | Query string in the static URL accepted                       | optimizer     | rendering
R55  | User info refused                                             | both          | save, rendering
R56  | Fragment refused                                              | both          | save, rendering
R57  | White space and control characters refused                    | both          | save, rendering
R58  | The evaluated path cannot change host or scheme               | both          | rendering
R59  | POST and PUT                                                  | both          | save
R60  | GET                                                           | optimizer     | save
R61  | DELETE unsupported (allowed in the standard edition)          | both          | save
R62  | Other methods refused (PATCH allowed in standard)             | both          | save
R63  | GET has no request payload                                    | optimizer     | save
R64  | POST and PUT: the payload is optional                         | optimizer     | save, rendering
R65  | Constant header sent as configured                            | both          | rendering
R66  | Variable header takes its value from the journey              | both          | rendering
R67  | An activity shows variables only                              | both          | Action.variables
R68  | Unmapped variable header or query parameter refused           | both          | rendering, publication
R69  | Header name not starting with .                               | both          | save
R70  | Header name not starting with $                               | both          | save
R71  | Header name is a token                                        | both          | save, rendering
R72  | No CR, LF, NUL in a header value                              | both          | save, rendering
R73  | White space around a header value is not sent                 | both          | rendering
R74  | Same checks on run-time values                                | both          | rendering
R75  | Default headers not deletable                                 | both          | construction
R76  | Content-Type fixed                                            | orchestration | save
R77  | Content-Type editable to a JSON type                          | optimizer     | save
R78  | Charset never editable                                        | both          | save
R79  | Default headers cannot be variable                            | both          | save
R80  | Default header names known in any letter case                 | both          | construction
R81  | Duplicate header names refused                                | both          | save
R82  | Query parameters supported                                    | optimizer     | save
R83  | Constant and variable query parameters                        | optimizer     | rendering
R84  | Query name not empty, not starting with . or $                | optimizer     | save
R85  | Query parameters appended in the configured order             | optimizer     | rendering
R86  | Query values percent-encoded                                  | optimizer     | rendering
R87  | 302 followed                                                  | optimizer     | execution
R88  | Redirect only where calls may go, and to the same origin      | optimizer     | execution
R89  | TLS 1.2 or newer, the newest preferred                        | optimizer     | transport
R90  | Kinds of authentication                                       | both          | construction, save
R91  | None adds nothing                                             | both          | rendering
R92  | Basic: user name and password                                 | both          | construction
R93  | Basic sends Base64 of user name and password                  | both          | rendering
R94  | API key: name, value, location                                | both          | construction
R95  | API key in the query                                          | both          | rendering
R96  | API key in a header                                           | both          | rendering
R97  | Custom: type is customAuthorization                           | both          | product's JSON
R98  | Custom: bearer, header or queryParam                          | both          | construction
R99  | Custom: tokenTarget for header and queryParam                 | both          | construction
R100 | Custom: no tokenTarget for bearer                             | both          | construction
R101 | Custom: endpoint is a URL                                     | both          | construction, save
R102 | Custom: GET or POST                                           | both          | construction
R103 | Custom: body for POST                                         | both          | construction
R104 | Custom: no body for GET                                       | both          | construction
R105 | Custom: body is form or json                                  | both          | construction
R106 | Custom: a form has its content type and charset               | both          | execution
R107 | Custom: a json body has its content type and charset          | both          | construction, execution
R108 | Custom: headers are texts                                     | both          | construction
R109 | Custom: tokenInResponse is response or json://path            | both          | construction
R110 | Custom: the whole body is the token                           | both          | execution
R111 | Custom: the property is the token                             | both          | execution
R112 | Custom: id_token selectable                                   | optimizer     | execution
R113 | Custom: bearer token in the Authorization header              | both          | rendering
R114 | Custom: token in a header without a prefix                    | both          | rendering
R115 | Custom: token in the query                                    | both          | rendering
R116 | Custom: the token call precedes the action's                  | both          | execution
R117 | Custom: a token is kept for an hour                           | both          | construction, execution
R118 | Custom: time unit of the cache                                | both          | construction
R119 | Custom: duration is a whole number                            | both          | construction
R120 | Custom: expiryInResponse, without a duration                  | optimizer     | construction, save
R121 | Custom: expiryInResponse counts in the time unit              | optimizer     | execution
R122 | Custom: a token per journey                                   | optimizer     | execution
R123 | Custom: no token outlives its executor                        | both          | execution
R124 | Custom: EncodeBase64 in the payload                           | both          | product's JSON, execution
R125 | Custom: nested bodyParams only in json                        | optimizer     | construction
R126 | Check of an authentication                                    | both          | execution
R127 | Certificate: names its audience                               | optimizer     | construction, product's JSON
R128 | Certificate: endpoint is https                                | optimizer     | save
R129 | Certificate: method is POST                                   | optimizer     | construction
R130 | Certificate: client_id not blank, no white space around       | optimizer     | construction
R131 | Certificate: scope is one text of at most 1,000 characters    | optimizer     | construction
R132 | Certificate: assertion parameters are never authored          | optimizer     | construction
R133 | Certificate: at most 10 minutes, never the same               | optimizer     | execution
R134 | Secrets masked in every output                                | optimizer     | every text form
R135 | A sample is a JSON object                                     | both          | message_parameters
R136 | Pasted fields start as constants                              | both          | message_parameters
R137 | Types are inferred                                            | both          | message_parameters
R138 | A whole number infers integer                                 | both          | message_parameters
R139 | An object is no variable                                      | both          | message_parameters, save
R140 | Field name without .                                          | both          | message_parameters, save
R141 | Field name not starting with $                                | both          | message_parameters, save
R142 | Both at every depth                                           | both          | message_parameters, save
R143 | Type names are a closed set                                   | both          | construction
R144 | Constants cannot be overridden                                | both          | rendering
R145 | A variable has a label                                        | both          | construction
R146 | A constant is the same in all journeys                        | both          | rendering
R147 | Required variables are filled                                 | both          | rendering, publication
R148 | Optional variable may be empty                                | optimizer     | save
R149 | Optional and empty, nulls allowed: null                       | optimizer     | rendering
R150 | Optional and empty, nulls not allowed: left out               | optimizer     | rendering
R151 | Null kept with the switch only                                | optimizer     | rendering
R152 | Nulls in arrays dropped always                                | optimizer     | rendering
R153 | A null array is [] with the switch                            | optimizer     | rendering
R154 | integer: 64-bit signed                                        | both          | rendering
R155 | decimal: finite                                               | both          | rendering
R156 | boolean: true or false                                        | both          | rendering
R157 | dateTime: with an offset                                      | both          | rendering
R158 | dateTimeOnly: without an offset                               | both          | rendering
R159 | dateOnly: a calendar day                                      | both          | rendering
R160 | Typed value mismatch refused before sending                   | both          | rendering
R161 | A simple list holds one type                                  | both          | rendering
R162 | A variable list of objects needs an object in the sample      | both          | message_parameters, save
R163 | The first object defines the fields                           | both          | message_parameters, rendering
R164 | A variable list of objects has variable fields                | both          | save
R165 | Inner mapping: the same name unless given                     | both          | rendering
R166 | Inner mapping to another name or sub-path                     | both          | construction, rendering
R167 | Scalar arrays in the objects of an array                      | both          | message_parameters, rendering
R168 | Objects inside of objects of arrays refused                  | orchestration | save
R169 | Nested arrays only as constants                               | optimizer     | save
R170 | Mixed arrays are constant only                                | both          | message_parameters, save
R171 | Arrays of arrays are constant only                            | both          | message_parameters
R172 | Items of a mixed or fixed array are variable one by one       | both          | message_parameters
R173 | One call for an array                                         | optimizer     | execution
R174 | The body is JSON in UTF-8                                     | both          | rendering
R175 | Response payload                                              | optimizer     | save
R176 | Response field names: the same rules                          | optimizer     | payload, save
R177 | Scalar arrays in a response                                   | optimizer     | payload, execution
R178 | Mixed arrays in a response refused                            | optimizer     | save
R179 | Arrays and objects within each other in a response            | optimizer     | payload, execution
R180 | Only declared fields are read                                 | optimizer     | execution
R181 | No failure payload unless declared                            | optimizer     | construction, publication
R182 | Failure payload under errorResponse                           | optimizer     | execution
R183 | Failure fields only for failed calls                          | optimizer     | execution
R184 | jo_status_code always present                                 | optimizer     | execution
R185 | Status http_<code>                                            | optimizer     | execution
R186 | Status timedout                                               | optimizer     | execution
R187 | Status capped                                                 | optimizer     | execution
R188 | Status internalError                                          | optimizer     | execution
R189 | 2xx is success, anything else an error                        | optimizer     | execution
R190 | @action{Name.path} reads a declared field of an action before   | optimizer     | publication
R191 | Default value where the field is missing                      | optimizer     | expression
R192 | A default has the type of its field                           | both          | expression
R193 | Missing without default is null                               | both          | expression
R194 | currentActionField within functions of collections only       | optimizer     | expression
R195 | at counts from zero                                           | both          | expression
R196 | Names of other characters are quoted                          | both          | expression
R197 | No response cache                                             | optimizer     | execution
R198 | Instance data above 1 MB                                      | optimizer     | execution
R199 | A test shows code and answer of a failed call                 | both          | execution (Outcome.received)
R200 | Test request: structure checked, types not                    | optimizer     | send_test_request
R201 | Test request: POST needs a payload, GET takes none            | optimizer     | send_test_request
R202 | Test request: secrets are given again                         | optimizer     | send_test_request
R203 | Timeout 1 to 30 seconds                                       | both          | save
R204 | Default timeout                                               | both          | execution
R205 | One budget for a call and its retries                         | both          | execution
R206 | First call beyond the budget: no retry                        | both          | execution
R207 | Timeout during a retry tells the error before                 | both          | step event
R208 | At most three retries                                         | both          | execution
R209 | Success on a retry is success                                 | both          | execution
R210 | The number of retries is no setting                           | both          | construction
R211 | 401, 403, 404 not retried                                     | optimizer     | execution
R212 | Any error is retried                                          | orchestration | execution
R213 | 400, 429, 500, 503 retried                                    | optimizer     | execution
R214 | Each attempt takes a place                                    | both          | execution
R215 | Over the cap: not sent, not retried                           | both          | execution
R216 | A cap is shared by all journeys                               | both          | execution
R217 | A cap is bound to endpoint and method                         | both          | limiter
R218 | Default cap: 300,000 a minute for each host                   | optimizer     | limiter
R219 | The window slides                                             | optimizer     | limiter
R220 | Slow hosts: 150,000 in 30 s                                   | optimizer     | limiter
R221 | No default cap                                                | orchestration | limiter
R222 | Throttled calls wait in order of arrival                      | both          | limiter
R223 | At most 6 hours in the queue                                  | both          | limiter
R224 | The queue is outside of the timeout                           | both          | execution
R225 | Limits come before timeout and retries                        | both          | execution
R226 | No alternative path: the individual stops on an error         | both          | execution (Outcome.path)
R227 | Alternative path on HTTP error, timeout, capping              | both          | execution (Outcome.path)
R228 | Alternative path not taken on success                         | both          | execution (Outcome.path)
R229 | Consent exclusion: no call, main path                         | optimizer     | execution (Consent)
R230 | Dry run: no call, response null                               | optimizer     | execution, save
R231 | Paused: hold or discard at the action                         | optimizer     | execution, save
R232 | Step event has the action fields                              | both          | step event
R233 | Error code only when the error has one                        | both          | step event
R234 | actionName falls back to the step name                        | both          | step event
R235 | Last-attempt time excludes the queue                          | optimizer     | step event
R236 | actionWaitTime only when throttled                            | optimizer     | step event
R237 | Capping: url mandatory                                        | both          | violations (100)
R238 | Capping: url well formed                                      | both          | violations (101)
R239 | Capping: wildcard not in host:port                            | both          | violations (102)
R240 | Capping: methods mandatory, not empty                         | both          | violations (103)
R241 | Capping: methods are of a closed set                          | both          | construction, violations (111)
R242 | Capping: rating mandatory                                     | both          | construction, violations (104)
R243 | Capping: maxCallsCount a whole number from 1                  | both          | construction, violations (107)
R244 | Capping: periodInMs above 0                                   | both          | construction, violations (108)
R245 | Capping: service is action or dataSource                      | both          | load_capping
R246 | Capping: maxHttpConnections optional                          | both          | can_deploy (warning 106)
R247 | Capping: maxHttpConnections at most 400                       | both          | violations (111)
R248 | Capping: no connection limit deploys as -1                    | optimizer     | deployed
R249 | Capping: the payload is a JSON object                         | both          | load_capping (111, 112)
R250 | Capping: created, not active                                  | both          | execution
R251 | Capping: deployed                                             | both          | deployed
R252 | Capping: undeploy returns to the state before                 | both          | undeployed
R253 | Capping: an update waits for a redeploy                       | both          | updated
R254 | Capping: an update is a full overwrite                        | both          | updated, load_capping
R255 | Capping: a deployed one is not deleted                        | both          | repository (1451)
R256 | Capping: unless it is forced                                  | both          | repository (force)
R257 | Capping: unknown uid                                          | both          | repository (NotFound)
R258 | Capping: canDeploy says ok or error                           | both          | can_deploy
R259 | Throttling: urlPattern, methods, maxThroughput mandatory      | both          | violations (100, 101)
R260 | Throttling: maxThroughput 200 to 5000                         | both          | violations (101)
R261 | Throttling: name, description optional                        | both          | construction
R262 | Throttling: pattern well formed                               | both          | violations (104)
R263 | Throttling: no wildcard in the host                           | both          | violations (105)
R264 | Throttling: invalid payload                                   | both          | violations, load_throttling (106)
R265 | Throttling: one for each organization                         | both          | repository (1465)
R266 | Throttling: production sandbox only                           | both          | violations (1463)
R267 | Throttling: the sandbox is known                              | both          | violations (4000)
R268 | Throttling: actions only                                      | optimizer     | limiter
R269 | Throttling: active only after deploy                          | optimizer     | execution
R270 | Throttling: deployed once                                     | both          | deployed (14466)
R271 | Throttling: undeployed when deployed                          | both          | undeployed (14468)
R272 | Throttling: a deployed one is not deleted                     | both          | repository (1456)
R273 | Throttling: unknown uid                                       | both          | repository (NotFound, 14467)
R274 | Throttling: an update acts at once                            | both          | updated
R275 | Throttling: update of an inactive runtime version             | both          | updated (1461)
R276 | Throttling: waiting calls go on after undeploy                | both          | limiter
R277 | Throttling: redeploy is a new runtime version                 | both          | deployed
R278 | Capping and throttling coexist                                | optimizer     | limiter
R279 | A new journey is a Draft                                      | both          | construction, save
R280 | First activity not an action                                  | both          | publication (canvas)
R281 | Actions not in parallel                                       | both          | publication (canvas)
R282 | No loops                                                      | both          | publication (canvas)
R283 | At most 50 activities                                         | both          | save
R284 | Errors block test and publication                             | both          | publication, save
R285 | Warnings do not block                                         | both          | publication, save
R286 | Publish Draft to Live                                         | both          | lifecycle, save
R287 | Publish from Draft (Test)                                     | both          | lifecycle, save
R288 | Draft (Test) not editable                                     | both          | lifecycle, save
R289 | Live: only labels, descriptions, journey name and description | both          | save
R290 | Close only Live                                               | both          | lifecycle, save
R291 | Stop Live or Closed                                           | both          | lifecycle, save
R292 | No restart of Closed or Stopped                               | both          | lifecycle, save
R293 | Closed becomes Finished after 30 / 91 days                    | both          | lifecycle (as_of)
R294 | Delete Finished only, besides Draft                           | both          | repository (delete)
R295 | New version from the latest version only                      | both          | construction, lifecycle, save
R296 | Publishing a version closes the previous one                  | both          | lifecycle, save
R297 | All versions share the name                                   | both          | construction, Journey.renamed
R298 | Re-entrance rule equal in all versions                        | both          | save
R299 | Live journeys limit                                           | both          | save
R300 | Re-entrance wait default 5 minutes, at most 90 days           | optimizer     | construction, save
R301 | Pause at most 14 days, then resumes                           | optimizer     | lifecycle (as_of)
R302 | Intermediate states are read-only                             | both          | lifecycle, save
R303 | Idle test mode returns to Draft after a week                  | both          | lifecycle (as_of)
R304 | Duplicate is a Draft named <name>_copy                        | optimizer     | Journey.duplicate
R305 | Activity label is a suffix                                    | both          | ActionActivity.title
R306 | Governance violation blocks publication                       | optimizer     | publication (DataPolicy)
R307 | Payload warning at 90 %, error at 100 %                       | optimizer     | publication, save
R308 | Select package: error path to end only                        | optimizer     | publication (switch)
R309 | Export carries the used actions                               | orchestration | export_journey
R310 | Export of an invalid journey refused                          | orchestration | export_journey
R311 | Secrets replaced by INSERT_SECRET_HERE                        | orchestration | export_journey
R312 | Import with a placeholder left refused                        | orchestration | import_journey
R313 | Import of an invalid payload refused                          | orchestration | import_journey
R314 | Placeholders in system providers ignored                      | orchestration | import_journey
R315 | Import gives new identifiers and names                        | orchestration | import_journey
R316 | Imported journey is a draft                                   | orchestration | import_journey
R317 | Create new or use existing, nothing overwritten               | optimizer     | import_journey
""")
