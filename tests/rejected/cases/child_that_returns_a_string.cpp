// says: returns void or int
#include <mulproc/process.hpp>
#include <string>

#ifdef REJECTED
void f() { (void)mulproc::spawn([] { return std::string("done"); }); }
#else
void f() { (void)mulproc::spawn([] { return 0; }); }
#endif
