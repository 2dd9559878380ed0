-- SPDX-License-Identifier: Apache-2.0
-- What party 1 pays, rung by rung: the sum over its deals of the latest of the best grade.
WITH said AS (
    SELECT * FROM event e
    WHERE payer = 1 AND seq <= :head AND rung IS NOT NULL AND basis <> 6
        AND NOT EXISTS (SELECT FROM event r WHERE r.ref = e.seq AND r.seq <= :head)
        AND NOT EXISTS (SELECT FROM event o WHERE o.seq = e.derived AND o.seq <= :head)
), setting AS (
    SELECT DISTINCT ON (rung, deal) rung, deal, currency, low, high FROM said
    WHERE rung < 4 AND NOT adds AND currency IS NOT NULL
    ORDER BY rung, deal, grade, stated DESC, seq DESC
), paying AS (
    SELECT 4::smallint AS rung, deal, currency,
        sum(CASE WHEN returned THEN -high ELSE low END) AS low,
        sum(CASE WHEN returned THEN -low ELSE high END) AS high
    FROM said WHERE rung = 4 AND currency IS NOT NULL GROUP BY deal, currency
), known AS (SELECT * FROM setting UNION ALL SELECT * FROM paying)
SELECT rung, currency, sum(low), sum(high), count(*) FROM known GROUP BY rung, currency;
