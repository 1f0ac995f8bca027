module edgefed/tools/pause

go 1.24.0
