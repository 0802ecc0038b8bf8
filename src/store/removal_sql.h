// Statements about deliveries that are gone while rows of them are left, for both databases. Private to the catalogs.
#pragma once

#include "store/row_fields.h"

#define QRX_RETURNING_FILES " RETURNING guid,file,blob,name,size"
#define QRX_RETURNING_UPLOADS " RETURNING guid,upload,blob,spare,name,partial,\"offset\""

// Of files: none whose delivery is gone.
#define QRX_NOT_GONE " AND NOT EXISTS (SELECT 1 FROM gone_deliveries g WHERE g.delivery=files.delivery)"
// Files whose delivery was cleared count as past files before their rows have moved there.
#define QRX_NEARLY_PAST \
  " FROM files WHERE EXISTS (SELECT 1 FROM gone_deliveries g WHERE g.delivery=files.delivery AND g.keeps_past=1)"
#define QRX_PAST_FILE                         \
  "SELECT " QRX_PAST_FILE_COLUMNS             \
  " FROM past_files WHERE file=?1 UNION ALL " \
  "SELECT " QRX_PAST_FILE_COLUMNS QRX_NEARLY_PAST " AND file=?1"
// As they arrived: in this order they move.
#define QRX_PAST_FILES                                                                                  \
  "SELECT " QRX_PAST_FILE_COLUMNS " FROM (SELECT 0 AS nearly,number," QRX_PAST_FILE_COLUMNS             \
  " FROM past_files WHERE delivery=?1 UNION ALL SELECT 1,number," QRX_PAST_FILE_COLUMNS QRX_NEARLY_PAST \
  " AND guid=(SELECT guid FROM gone_deliveries WHERE delivery=?1) AND delivery=?1) AS all_of ORDER BY nearly,number"
