module edgefed/tools/net

go 1.24.0
