"""An index on a Milvus cluster (extra ``[milvus]``); nothing here imports pymilvus before it connects."""
