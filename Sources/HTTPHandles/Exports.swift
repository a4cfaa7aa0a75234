@_exported public import HTTPHandlesCore
@_exported public import HTTPTypes
