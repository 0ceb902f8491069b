/* SPDX-License-Identifier: Apache-2.0 */
/* The library that needy.c needs. */
int firn_test_runtime(int number);

#ifdef _WIN32
__declspec(dllexport)
#endif
int
firn_test_runtime(int number)
{
    return number;
}
