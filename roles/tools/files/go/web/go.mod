module edgefed/tools/web

go 1.24.0
