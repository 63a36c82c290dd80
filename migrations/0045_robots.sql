-- Webhooks that speak to a chat group by its robot (WeCom, DingTalk): they say what people are told, in words.

ALTER TABLE webhooks ADD COLUMN format TEXT NOT NULL DEFAULT 'events'; -- events | wecom | dingtalk
ALTER TABLE webhooks ADD COLUMN classes TEXT NOT NULL DEFAULT '[]';    -- JSON list of the classes of alerts that a group hears of; empty: all
