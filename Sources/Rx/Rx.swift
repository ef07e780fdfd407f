// Everything that a program needs which makes or serves Rx calls: `import Rx`. See Documentation.docc.
@_exported public import struct AFSBase.MonotonicTime
@_exported public import struct AFSTypes.AbortCode
@_exported public import RxCore
@_exported public import RxTransport
