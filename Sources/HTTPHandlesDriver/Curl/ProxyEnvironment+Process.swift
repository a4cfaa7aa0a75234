package import HTTPHandlesCore
import HTTPHandlesSystem

extension ProxyEnvironment {
    /// That of this process at this moment. Another thread must not change the environment meanwhile.
    package static var ofProcess: ProxyEnvironment {
        ProxyEnvironment { name in
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
    }
}
