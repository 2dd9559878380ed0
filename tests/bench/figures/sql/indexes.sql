-- SPDX-License-Identifier: Apache-2.0
CREATE INDEX ON event (deal, stated);
CREATE INDEX ON event (payer, deal) WHERE payer IS NOT NULL;
CREATE INDEX ON event (ref) INCLUDE (stated, seq) WHERE ref IS NOT NULL;
-- the order in which the league wants its statements, with all that it reads of them
CREATE INDEX ON event (rung, deal, payer, grade, stated DESC, seq DESC)
    INCLUDE (currency, low, high, adds, basis, derived) WHERE rung IS NOT NULL;
